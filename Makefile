# imctl's own work. `make demo` shows it, `make test` proves it; both want root on Debian, as a lab does.

.PHONY: build dist demo test soak bench lint clean

build:
	cargo build --locked --release

# One static program that runs on any Debian of this architecture, also in an empty folder.
dist:
	. tests/env.sh && . tests/bench/static.sh && echo "$$static"

# Six throw-away hosts on this machine, planned, installed and proved.
demo:
	tests/demo.sh

# Unit, golden and house tests, then one end-to-end run per verb on lab hosts.
test:
	tests/run.sh

# Kills, cuts and reboots at chosen moments, until each kind of step was hit, and kills while versions, hosts and secrets
# change: SECONDS_GIVEN=3600 SEED=7 make soak. A second call goes on where the first ended; tests/soak/main.py tells the rest.
soak:
	tests/soak.sh

# Measures imctl against its floor and its peers (docs/performance.md). QUICK=1 make bench takes small sizes.
bench:
	tests/bench/all.sh $(if $(QUICK),--quick)

lint:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

clean:
	cargo clean
