"""When requests are sent: arrivals. Pure plans; nothing is sent here. What they say is a workload's matter."""
