"""Stand-ins for tests: a scripted agent, devices in memory, a virtual clock."""
