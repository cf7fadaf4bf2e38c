# The one recipe of every third-party layer; each layer's folder calls it Makefile.
#
# SAM runs `build-<Name>Layer` (BuildMethod: makefile) beside a copy of the layer's folder, with ARTIFACTS_DIR set. Wheels are
# chosen by platform tag, so that any Python and any machine builds for Lambda's Python 3.13. What no function ever
# imports is taken out, and the rest is compiled: where python3.13 is not at hand the layer works, but starts more
# slowly, and the build says so.
#
#   LAYER_ARCHITECTURE   arm64 (default) or x86_64
#   LAYER_EXCHANGES      ccxt ids that the exchange layer keeps
#   LAYER_AWS_SERVICES   botocore's services that the runtime layer keeps
#   LAYER_PYTHON         the Python whose pip fetches the wheels
#   LAYER_COMPILER       the Python 3.13 that compiles

LAYER_ARCHITECTURE ?= arm64
LAYER_EXCHANGES ?= binance bybit kraken okx
LAYER_AWS_SERVICES ?= apigatewaymanagementapi cloudwatch dynamodb dynamodbstreams events kms lambda logs s3 scheduler \
	secretsmanager ses sesv2 sns sqs ssm sts
LAYER_PYTHON ?= python3
LAYER_COMPILER ?= python3.13

MACHINE = $(if $(filter arm64,$(LAYER_ARCHITECTURE)),aarch64,x86_64)
SITE = $(ARTIFACTS_DIR)/python

# Nobody changes a layer's files, so Python need not look whether they are older than what was compiled.
define COMPILE
find "$(SITE)" -type d -name __pycache__ -prune -exec rm -rf {} +
@if "$(LAYER_COMPILER)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then \
	"$(LAYER_COMPILER)" -m compileall -q -j 0 -s "$(SITE)" -p /opt/python --invalidation-mode unchecked-hash "$(SITE)"; \
else echo "warning: $(LAYER_COMPILER) is no Python 3.13; $(SITE) is not compiled and will start slowly" >&2; fi
endef

.PHONY: build-RuntimeLayer build-NumericLayer build-ExchangeLayer build-WebLayer build-SentimentLayer
.PHONY: install trim-runtime trim-numeric trim-exchange trim-web

build-RuntimeLayer: trim-runtime
	$(COMPILE)

build-NumericLayer: trim-numeric
	$(COMPILE)

build-ExchangeLayer: trim-exchange
	$(COMPILE)

build-WebLayer: trim-web
	$(COMPILE)

build-SentimentLayer: install
	$(COMPILE)

# Lambda's Amazon Linux 2023 has glibc 2.34. pip checks a package's Python against its own, not against the one asked for.
install:
	$(LAYER_PYTHON) -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --only-binary=:all: \
		--ignore-requires-python --implementation cp --python-version 3.13 \
		--platform manylinux_2_34_$(MACHINE) --platform manylinux_2_28_$(MACHINE) \
		--platform manylinux_2_17_$(MACHINE) --platform manylinux2014_$(MACHINE) \
		--target "$(SITE)" --requirement requirements.txt
	rm -rf "$(SITE)/bin"

# Service definitions are most of botocore.
trim-runtime: install
	cd "$(SITE)/botocore/data" && for service in */; do \
		case " $(strip $(LAYER_AWS_SERVICES)) " in *" $${service%/} "*) ;; *) rm -rf "$$service" ;; esac; done
	rm -rf "$(SITE)/boto3/examples"

trim-numeric: install
	find "$(SITE)/numpy" -type d -name tests -prune -exec rm -rf {} +
	rm -rf "$(SITE)/numpy/_core/include" "$(SITE)/numpy/_core/lib" "$(SITE)/numpy/f2py"
	find "$(SITE)/numpy" -name '*.pyi' -delete

# The package's own __init__ would import every exchange; signalbox brings its own stand-in for it.
trim-exchange: install
	cd "$(SITE)/ccxt" && for module in *.py abstract/*.py; do \
		name=$$(basename "$$module" .py); \
		case " $(strip $(LAYER_EXCHANGES)) " in *" $$name "*) ;; *) rm -f "$$module" ;; esac; done
	cd "$(SITE)/ccxt" && for folder in */; do \
		case "$$folder" in base/|abstract/|static_dependencies/) ;; *) rm -rf "$$folder" ;; esac; done
	cd "$(SITE)/ccxt" && find static_dependencies abstract/*/ -mindepth 1 ! -name __init__.py -prune -exec rm -rf {} +
	echo '"""The part of ccxt that Signalbox uses; see layers/build.mk."""' > "$(SITE)/ccxt/__init__.py"
	cd "$(SITE)/ccxt" && for name in $(LAYER_EXCHANGES); do \
		test -f "$$name.py" || { echo "LAYER_EXCHANGES must hold ccxt ids, found $$name" >&2; exit 1; }; done

# Chalice's command line and deployer are most of it, and need packages that are not here.
trim-web: install
	find "$(SITE)/chalice" -mindepth 1 -maxdepth 1 ! -name app.py ! -name __init__.py ! -name py.typed -exec rm -rf {} +
