"""What every room of pinnkit shares: types, argument checks, tracing and linear algebra."""
