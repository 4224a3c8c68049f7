"""What an agent hears, thinks and speaks with."""
