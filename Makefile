# How is each build of the native contract made? Libraries go to cuda/build/. See cuda/dinograd.h.
#   make cpu    libdinograd_cpu.so (x86-64: AVX2 and AVX-512, chosen at run time)
#   make wasm   the two WebAssembly modules, embedded in src/native/wasm_*.ts
#   make cuda   libdinograd_cuda.so (ARCHS="80 90a" narrows the targets)
#   make emu    libdinograd_emu.so: the CUDA sources run on the CPU, for tests
#   make check  native tests, plain and under AddressSanitizer and UBSan
BUILD := cuda/build
CXX ?= g++
WARN := -Wall -Wextra -Werror -Wno-psabi
CXXFLAGS := -std=c++20 -O3 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -ffp-contract=off -fno-math-errno \
	-fno-trapping-math $(WARN)
HEADERS := $(wildcard cuda/*.h cuda/*.def cuda/core/*.h cuda/math/*.h cuda/cpu/*.h cuda/cpu/kernels/*.h)
CORE := $(wildcard cuda/core/*.cc)
CPU := $(wildcard cuda/cpu/*.cc)
KERNELS := $(wildcard cuda/cpu/kernels/*.cc)
ISAS := v3 v4
TESTS := $(patsubst cuda/tests/%.cc,%,$(wildcard cuda/tests/*_test.cc))

.PHONY: all cpu wasm check clean format
all: cpu wasm

# ---- CPU library -----------------------------------------------------------------------------------------------------
cpu_objects = $(patsubst cuda/%.cc,$(BUILD)/$(1)/%.o,$(CORE) $(CPU)) \
	$(foreach isa,$(ISAS),$(patsubst cuda/cpu/kernels/%.cc,$(BUILD)/$(1)/kernels_$(isa)/%.o,$(KERNELS)))

define cpu_rules
$(BUILD)/$(1)/%.o: cuda/%.cc $(HEADERS)
	@mkdir -p $$(@D)
	$(CXX) $(CXXFLAGS) $(2) -c $$< -o $$@
$(BUILD)/$(1)/kernels_v3/%.o: cuda/cpu/kernels/%.cc $(HEADERS)
	@mkdir -p $$(@D)
	$(CXX) $(CXXFLAGS) $(2) -march=x86-64-v3 -DDG_ISA=v3 -DDG_LANES=8 -c $$< -o $$@
$(BUILD)/$(1)/kernels_v4/%.o: cuda/cpu/kernels/%.cc $(HEADERS)
	@mkdir -p $$(@D)
	$(CXX) $(CXXFLAGS) $(2) -march=x86-64-v4 -mprefer-vector-width=512 -DDG_ISA=v4 -DDG_LANES=16 -c $$< -o $$@
$(BUILD)/$(1)/tests/%_test: cuda/tests/%_test.cc cuda/tests/check.h $(call cpu_objects,$(1)) $(HEADERS)
	@mkdir -p $$(@D)
	$(CXX) $(CXXFLAGS) $(2) -Icuda $$< $(call cpu_objects,$(1)) -o $$@ -pthread
endef
SANITIZE := -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
$(eval $(call cpu_rules,cpu,))
$(eval $(call cpu_rules,asan,$(SANITIZE)))

cpu: $(BUILD)/libdinograd_cpu.so
$(BUILD)/libdinograd_cpu.so: $(call cpu_objects,cpu)
	$(CXX) -shared -static-libstdc++ -static-libgcc -Wl,--no-undefined -Wl,--exclude-libs,ALL $^ -o $@ -pthread

# ---- Native tests ----------------------------------------------------------------------------------------------------
check: $(foreach kind,cpu asan,$(foreach test,$(TESTS),$(BUILD)/$(kind)/tests/$(test)))
	@status=0; for test in $^; do $$test || status=1; done; exit $$status

format:
	clang-format-16 -i $$(git ls-files -co --exclude-standard 'cuda/*.h' 'cuda/*.cc' 'cuda/*.cu' 'cuda/*.cuh')

clean:
	rm -rf $(BUILD)
