//! Answering other programs: agents and editors that speak MCP.

pub mod tool;
mod message;
mod lines;
pub mod mcp;
