"""The wire, without I/O: frames come in and typed messages go out, and the other way round."""
