"""What keeps time without a device: blocks of 10 ms in real time, for files and arrays."""
