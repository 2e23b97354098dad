"""What proves the template: combinations, covering arrays, releases and the certificate."""
