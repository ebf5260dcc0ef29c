//! End to end: real hosts from `imctl lab`, one run per verb. `make test` runs them; they need root, as a lab does.

mod adopt;
mod backup;
mod check;
mod child;
mod destroy;
mod faults;
mod history;
mod holes;
mod kills;
mod lab;
mod lock;
mod outside;
mod relay;
mod scan;
mod service;
mod ssh;
mod status;
mod stop;
mod upgrade;
mod world;
