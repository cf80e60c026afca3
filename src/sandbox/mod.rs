//! Pretends to be AWS, byte for byte; names no other room.
