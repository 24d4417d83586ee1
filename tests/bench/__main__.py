"""`make bench`: every speed run by hand."""

from tests.bench import ingest

ingest.main()
