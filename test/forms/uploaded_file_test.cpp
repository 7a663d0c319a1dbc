// SPDX-License-Identifier: MIT
#include "umbel/di/uploaded_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <type_traits>

#include "../support/drive.hpp"
#include "file_spool.hpp"

namespace umbel::test {
namespace {

static_assert(!std::is_copy_constructible_v<UploadedFile> && std::is_nothrow_move_constructible_v<UploadedFile>);

std::string read_now(const UploadedFile& file, std::uint64_t offset, std::size_t size) {
  std::string text(size, '#');
  text.resize(file.read_now(offset, text));
  return text;
}

std::string read(const UploadedFile& file, std::uint64_t offset, std::size_t size) {
  std::string text(size, '#');
  testing::ManualPort port;
  Started<std::size_t> reading{port, file.read(offset, text)};
  do port.run();
  while (port.pool().run_all() > 0);
  text.resize(std::move(reading.result()).value());
  return text;
}

void expect_contents(const UploadedFile& file) {
  EXPECT_EQ(file.size(), 11u);
  for (const auto of : {read, read_now}) {
    EXPECT_EQ(of(file, 0, 100), "hello world");
    EXPECT_EQ(of(file, 6, 3), "wor");
    EXPECT_EQ(of(file, 10, 3), "d");
    EXPECT_EQ(of(file, 11, 3), "");
    EXPECT_EQ(of(file, ~std::uint64_t{0}, 3), "");
    EXPECT_EQ(of(file, 3, 0), "");
  }
}

TEST(UploadedFile, IsReadFromMemory) {
  const UploadedFile file{"a.txt", "text/plain", "hello world"};

  EXPECT_TRUE(file.is_in_memory());
  EXPECT_EQ(file.memory(), "hello world");
  EXPECT_EQ(file.file_name(), "a.txt");
  EXPECT_EQ(file.content_type(), "text/plain");
  expect_contents(file);
}

TEST(UploadedFile, IsReadFromATemporaryFile) {
  UploadedFile file;
  detail::FileSpool spool{file};
  spool.append("hello ");
  ASSERT_EQ(spool.flush(), 0);
  spool.append("world");
  ASSERT_EQ(spool.flush(), 0);

  EXPECT_FALSE(file.is_in_memory());
  EXPECT_EQ(file.memory(), "");
  expect_contents(file);
}

TEST(UploadedFile, ClosesItsDescriptorWhereverItWent) {
  int descriptor = -1;
  {
    UploadedFile file;
    detail::FileSpool spool{file};
    spool.append("x");
    ASSERT_EQ(spool.flush(), 0);
    descriptor = file.descriptor();
    UploadedFile moved{std::move(file)};
    UploadedFile assigned;
    assigned = std::move(moved);
    EXPECT_EQ(assigned.descriptor(), descriptor);
    EXPECT_EQ(assigned.size(), 1u);
  }
  EXPECT_EQ(::lseek(descriptor, 0, SEEK_CUR), -1);
}

TEST(UploadedFile, ThatCannotBeReadThrows) {
  UploadedFile file;
  detail::FileSpool spool{file};
  spool.append("x");
  ASSERT_EQ(spool.flush(), 0);
  ::close(file.descriptor());

  char byte;
  EXPECT_THROW(file.read_now(0, {&byte, 1}), std::system_error);
}

}  // namespace
}  // namespace umbel::test
