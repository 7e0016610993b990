//! Answering other programs: agents and editors that speak MCP.

pub mod mcp;
pub mod tool;
