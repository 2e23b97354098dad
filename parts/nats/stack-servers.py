            self.nats,
