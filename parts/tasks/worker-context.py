from app.core.tasks.broker import exit_despite_threads

            stack.enter_context(exit_despite_threads())
