"""Sound on this machine: sources, sinks, resampling, play-out, devices."""
