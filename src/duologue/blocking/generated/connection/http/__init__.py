"""What `make blocking` generates; nothing here is edited by hand."""
