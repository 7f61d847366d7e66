"""What the demo renders and the tests stand on: a monorepo and the chart repository it needs."""
