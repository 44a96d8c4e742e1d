"""What the requests say and how long their answers may be. When they are sent is a load's matter."""
