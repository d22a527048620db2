"""What make and the shell call. The lesson itself is `utils`."""
