"""Sources and how they are polled: state, politeness, article pages that wait."""
