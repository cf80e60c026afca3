//! The task definition as a lossless document.
