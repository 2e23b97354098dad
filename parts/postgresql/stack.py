from devstack.postgres import PostgresServer

        self.postgres = PostgresServer(
            folder / "postgres",
            port=ports.get("postgres"),
            throwaway=throwaway,
        )
