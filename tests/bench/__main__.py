"""`make bench`: every speed run by hand, and an hour among hostile publishers."""

from tests.bench import hour, ingest

ingest.main()
hour.main()
