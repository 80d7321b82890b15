"""Programs run on other machines: web processes send submissions to workers, and Redis carries what happens back."""
