            self.postgres,
