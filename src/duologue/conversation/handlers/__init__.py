"""The caller's functions that answer something: tools and approvals, called within their limits."""
