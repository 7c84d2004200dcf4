pub mod ports; pub mod config;
