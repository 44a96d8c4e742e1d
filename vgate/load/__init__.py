"""What is asked of a server, and when: arrivals times a workload. Pure plans; nothing is sent here."""
