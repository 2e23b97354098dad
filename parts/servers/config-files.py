from app.core.settings.servers import DEVSTACK_ENV_FILE

        if environment == "development":
            files = (DEVSTACK_ENV_FILE, *files)
