from devstack.nats import NatsServer

        self.nats = NatsServer(
            folder / "nats",
            port=ports.get("nats"),
            throwaway=throwaway,
        )
