"""The tools that an agent uses: those of the client, and those of MCP servers."""
