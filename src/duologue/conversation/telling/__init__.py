"""What the caller is told: reports and events come in, calls of callbacks and iterations go out."""
