from devstack.s3 import S3Server

        self.s3 = S3Server(
            folder / "s3",
            port=ports.get("s3"),
            throwaway=throwaway,
        )
