            self.s3,
