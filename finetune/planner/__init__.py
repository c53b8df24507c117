"""How much memory a training or a server will take, from config files alone."""
