"""What was known of each customer at a date: views, windows, labels, and the engine that builds them."""
