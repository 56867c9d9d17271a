//! How all services are, in numbers, for Prometheus and whatever else reads `OpenMetrics`.

mod connection;
mod measured;
mod server;
mod text;

#[cfg(test)]
pub(crate) use measured::Measured;
pub(crate) use measured::measure;
pub(crate) use server::Server;
