"""The commands: talk, serve, worker, devices, models, keys. Arguments come in, sentences go out."""
