"""What stands on the pages: templates, and the values that go into them."""
