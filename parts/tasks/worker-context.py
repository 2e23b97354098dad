from app.core.tasks.broker import ending_despite_threads

            stack.enter_context(ending_despite_threads())
