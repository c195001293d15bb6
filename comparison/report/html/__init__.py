"""The page: `page` puts what the others make of a survey into templates, or beside them as data for its scripts."""
