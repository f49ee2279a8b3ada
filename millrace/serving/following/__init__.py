"""How does a service come to serve what the channel says, and nothing else?"""

from millrace.serving.following.followed_model import Loaded, ModelState
from millrace.serving.following.follower import Follower

__all__ = ["Follower", "Loaded", "ModelState"]
