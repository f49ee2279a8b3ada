"""How does a service come to serve what the channel says, and nothing else?"""

from millrace.serving.following.followed_model import ModelState
from millrace.serving.following.follower import Follower
from millrace.serving.following.loaded import Loaded

__all__ = ["Follower", "Loaded", "ModelState"]
