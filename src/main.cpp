#include "host/state.hpp"

int main(int argc, char** argv) {
  return opsh::host::run(argc, argv);
}
