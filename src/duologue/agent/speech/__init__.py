"""What an agent hears, thinks and speaks with: models that all calls share, and a call's parts."""
