"""What stands between the network and the application: which connections, how much, how long.

Everything here works without a proxy in front. `acceptor` takes connections in, `gate` says who may
stay, `protocol` reads requests within `limits`.
"""
