"""`make bench`: the tables in docs/performance.md, and an hour of attacks."""

from tests.bench import hour, ingest, pages

thousand = ingest.main(["--feeds", "1000"])
ingest.main(["--feeds", "1000", "--latency-ms", "200", "--peers", "miniflux"])
ten = ingest.main(["--feeds", "10000", "--runs", "1", "--peers", "", "--no-readers"])
for step in ("cold", "warm", "tick"):
    print(f"{step} at 10,000: {ten['bantin', step] / thousand['bantin', step]:.2f}x of at 1,000")
memory = ten["bantin", "peak MB"] / thousand["miniflux", "peak MB"]
print(f"peak memory at 10,000: {memory:.2f}x of Miniflux's with PostgreSQL at 1,000")
pages.main([])
hour.main([])
