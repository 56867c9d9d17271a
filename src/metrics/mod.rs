//! The state of all services in numbers, for Prometheus and other programs that read `OpenMetrics`.

mod connection;
mod measured;
mod server;
mod text;

#[cfg(test)]
pub(crate) use measured::Measured;
pub(crate) use measured::measure;
pub(crate) use server::Server;
