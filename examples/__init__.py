"""The monorepo that the demo renders and the tests use, and the chart repository that it needs."""
