// Placeholder so that the module exists; replaced by the first decision that moves in.
