"""The servers behind a gateway: who they are, how they are doing, which one gets the next request."""
